"""A receiver of mail: Django in one file, its ORM, psycopg, standardwebhooks.

    pip install django 'psycopg[binary]' standardwebhooks
    export DATABASE_URL=postgresql://… POSTROOM_SECRET=whsec_…
    python django_receiver.py runserver --noreload 3000        # or gunicorn django_receiver

In a project of yours, take the two models and the view.
"""

import os
import sys
from typing import Any

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.db import models, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from psycopg.conninfo import conninfo_to_dict
from standardwebhooks import Webhook, WebhookVerificationError

DATABASE = conninfo_to_dict(os.environ["DATABASE_URL"])
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],  # and the name by which Postroom calls you
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": DATABASE.pop("dbname"),
            "OPTIONS": DATABASE,
        }
    },
    ROOT_URLCONF=__name__,
)
django.setup()
webhook = Webhook(os.environ["POSTROOM_SECRET"])


class Ticket(models.Model):
    """Stands for your application."""

    number = models.BigAutoField(primary_key=True)
    sender = models.TextField(null=True)
    subject = models.TextField(null=True)

    class Meta:
        app_label, db_table, managed = "inbox", "ticket", False


class InboxKey(models.Model):
    key = models.TextField(primary_key=True)
    ticket = models.BigIntegerField(null=True)

    class Meta:
        app_label, db_table, managed = "inbox", "inbox_key", False


@csrf_exempt
@require_POST
def inbound(request: HttpRequest) -> JsonResponse:
    try:  # request.body is the bytes that were signed: verify before anything parses them
        event = webhook.verify(request.body, dict(request.headers))
    except (WebhookVerificationError, ValueError):  # the latter for what is no signature at all
        return JsonResponse({"reason": "signature"}, status=401)
    if event["type"] != "mail.received":
        return JsonResponse({})  # a ping, a test, or what is new next year
    ticket, is_new = take(event["data"])
    return JsonResponse({"reference": str(ticket)}, status=201 if is_new else 208)


@transaction.atomic
def take(mail: dict[str, Any]) -> tuple[int, bool]:
    """The key and the effect in one transaction, committed before the answer."""
    known, is_new = InboxKey.objects.get_or_create(key=mail["key"])
    if is_new:
        known.ticket = file_ticket(mail).number
        known.save()
    return known.ticket, is_new


def file_ticket(mail: dict[str, Any]) -> Ticket:
    email = mail["email"]
    sender = email["from"][0]["email"] if email["from"] else None
    return Ticket.objects.create(sender=sender, subject=email["subject"])


urlpatterns = [path("inbound", inbound)]
application = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
