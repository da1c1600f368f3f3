"""The built page: its files, and index.html for every address that is a view of it."""

from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC: Final = Path(__file__).parent / "static"
_ASSETS: Final = "assets/"  # Vite puts a hash of the content into these names
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_EACH_TIME: Final = "no-cache"
_NOT_BUILT: Final = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>安护 Anhu</title>
<h1>页面尚未构建</h1><p>请在源代码目录运行 <code>make setup</code>，然后刷新。服务本身正在运行。</p>
<h1 lang="en">The page has not been built</h1>
<p lang="en">Run <code>make setup</code> in the source folder and reload. The service itself is running.</p></html>"""


class Page(StaticFiles):
    """Serves the folder the page is built into."""

    def __init__(self, directory: Path = STATIC) -> None:
        super().__init__(directory=directory, check_dir=False)
        self._index = directory / "index.html"

    async def check_config(self) -> None:
        """The folder may be missing: then the page has not been built, and says so."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file of the page, else index.html, which then shows the view of that address or that there is none."""
        if path == "api" or path.startswith("api/"):
            raise HTTPException(404)
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or path.startswith(_ASSETS):
                raise
            response = await self._show_index(scope)
        if response.status_code == 404:
            response = await self._show_index(scope)
        response.headers["cache-control"] = _FOR_EVER if path.startswith(_ASSETS) else _ASK_EACH_TIME
        return response

    async def _show_index(self, scope: Scope) -> Response:
        if not self._index.is_file():
            return HTMLResponse(_NOT_BUILT, 503)
        return await super().get_response("index.html", scope)
