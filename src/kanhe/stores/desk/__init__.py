"""The desk (`desk.db`): people, alerts and cases, as tables of SQLAlchemy with one history of migrations."""
