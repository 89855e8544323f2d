"""What connects shop software with Kanhe. Nothing of Kanhe is imported here but `kanhe.client`.

- `oscar`: an app for shops made with django-oscar.
- `device`: ids of devices and sessions, and the script that says how a form was filled.
- `asgi`, `wsgi`, `django`: middlewares for it, each for what is installed.
"""
