"""A small tea shop made with django-oscar, with Kanhe at its doors."""
