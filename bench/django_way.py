"""The page of events by Django REST framework, over the usual way's tables: its settings and its application."""

from __future__ import annotations

import os
from typing import Any

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from bench.usual_way import DATABASE_VARIABLE


def create_app() -> Any:
    """The application over the SQLite file that the environment names.

    It has hardly any middleware and nobody who logs in, which a new project would have, so that neither is counted.
    """
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ[DATABASE_VARIABLE]}},
        INSTALLED_APPS=["rest_framework"],
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        ROOT_URLCONF="bench.django_page",
        USE_TZ=True,
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [],
            "DEFAULT_PERMISSION_CLASSES": [],
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "UNAUTHENTICATED_USER": None,
        },
    )
    django.setup()
    return get_wsgi_application()
