"""Parameters learnt from recordings: what `anhu learn` writes, the service only reads.

Learning needs scikit-learn (`pip install --group learn`, or `uv sync --group learn`); judging needs numpy alone.
"""
