"""The console: pages rendered here, read in a browser, and changed by forms.

`application.py` puts it together, `frame.py` is what a page is written with, `guard.py` stands before
everything. Pages are in `pages/`, their texts in English in the code and in Chinese in `locale/`.
"""
