"""`anhu learn …`: parameters from recordings."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from anhu.commands.ground import progress
from anhu.errors import EvaluationFailed
from anhu.language import text
from anhu.plain_errors import plain_errors

app = typer.Typer(no_args_is_help=True, help="从记录中学习探测参数。 Learn a detector's parameters from recordings.")


@app.callback()
def kinds() -> None:
    """The kinds of detectors that learn."""


@app.command(
    help="学习跌倒探测（需要 scikit-learn），并报告对未见过的人的效果。 "
    "Learn to tell falls (needs scikit-learn), and say how well it does for people it has not seen.",
    epilog="例 / for example: anhu learn fall data/falls_sisfall --wear waist --out fall_waist.json",
)
def fall(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="记录所在目录 / the folder with the recordings.")],
    wear: Annotated[Literal["waist", "wrist"], typer.Option(help="佩戴位置 / where it is worn.")],
    out: Annotated[Path, typer.Option(help="写入的参数文件 / the data file to write.")],
    folds: Annotated[int, typer.Option(min=2, max=50, help="按人分成几组 / how many folds of people.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="随机种子 / random seed.")] = 1,
) -> None:
    """Learn, prove, write."""
    with plain_errors():
        from anhu.evaluate.fall_recording import trials
        from anhu.learn.fall import learn

        made_by = f"anhu learn fall {folder.name} --wear {wear} --folds {folds} --seed {seed}"
        table, proof = learn(trials(folder), wear, folds=folds, seed=seed, made_by=made_by)
        try:
            out.write_text(table, "utf-8")
        except OSError as error:
            raise EvaluationFailed(f"{out}: {error.strerror or error}") from error
        figures = proof.as_json()
        progress(
            text(
                f"对未见过的人：{figures['events']} 次跌倒报出 {figures['detected']} 次（{figures['recall']:.1%}），"
                f"{figures['hours']:.1f} 小时活动误报 {figures['false_alarms']} 次",
                f"people not seen: {figures['detected']} of {figures['events']} falls ({figures['recall']:.1%}), "
                f"{figures['false_alarms']} false alarms in {figures['hours']:.1f} hours of activity",
            )
        )
