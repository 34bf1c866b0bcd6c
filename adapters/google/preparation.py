"""What an operator does at Google before mailboxes are added, as lines for a shell.

https://developers.google.com/workspace/gmail/api/guides/push, and for the subscription
https://cloud.google.com/pubsub/docs/create-push-subscription.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from postroom.adapters.google.account import NAME
from postroom.adapters.google.account_options import PULL
from postroom.adapters.google.credentials import SCOPE
from postroom.adapters.google.watch_errors import PUBLISHER
from postroom.adapters.http.public_url import NO_PUBLIC_URL, is_public
from postroom.application.option_values import text
from postroom.application.ports import AccountOption, OptionValue, Preparation
from postroom.domain.account import InvalidAccount

ADMIN_CONSOLE = "https://admin.google.com/ac/owl/domainwidedelegation"

_PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
"""https://cloud.google.com/resource-manager/docs/creating-managing-projects"""

_OPTIONS = (
    AccountOption(name="project", help="The Google Cloud project's id.", required=True),
    AccountOption(
        name=PULL, help="Have notifications pulled: Pub/Sub cannot reach us.", is_flag=True
    ),
)


@dataclass(frozen=True, slots=True)
class _Script:
    project: str
    endpoint: str  # empty: notifications are pulled

    def __iter__(self) -> Iterator[str]:
        for title, lines in (
            ("The APIs", self._apis()),
            ("The service account that reads mail, and its key", self._reader()),
            (self._delegation_title(), self._client_id()),
            ("The topic that Gmail publishes to", self._topic()),
            (self._subscription_title(), self._pulled() if self._is_pulled else self._pushed()),
            ("What the check of a mailbox looks at", self._viewer()),
            ("The mailboxes, one after the other", self._mailbox()),
        ):
            yield f"# {title}"
            yield from lines
            yield ""

    @property
    def _is_pulled(self) -> bool:
        return not self.endpoint

    def _account(self, name: str) -> str:
        """Of a project of a domain, `example.com:name`, the domain comes last."""
        domain, _, project = self.project.rpartition(":")
        host = f"{project}.{domain}" if domain else project
        return f"{name}@{host}.iam.gserviceaccount.com"

    def _apis(self) -> Iterator[str]:
        yield self._gcloud("services enable gmail.googleapis.com pubsub.googleapis.com")

    def _reader(self) -> Iterator[str]:
        yield self._gcloud("iam service-accounts create postroom")
        key = f"--iam-account={self._account('postroom')}"
        yield self._gcloud(f"iam service-accounts keys create key.json {key}")

    def _delegation_title(self) -> str:
        return f"Its client id: in {ADMIN_CONSOLE} add it, with the scope {SCOPE}"

    def _client_id(self) -> Iterator[str]:
        about = f"{self._account('postroom')} --format='value(oauth2ClientId)'"
        yield self._gcloud(f"iam service-accounts describe {about}")

    def _topic(self) -> Iterator[str]:
        yield self._gcloud("pubsub topics create postroom")
        yield self._gcloud(
            f"pubsub topics add-iam-policy-binding postroom --member=serviceAccount:{PUBLISHER}"
            " --role=roles/pubsub.publisher"
        )

    def _subscription_title(self) -> str:
        what = "The subscription that is pulled" if self._is_pulled else "Who pushes, and what"
        return f"{what}. (One that may expire ends when it was not used for 31 days.)"

    def _pushed(self) -> Iterator[str]:
        yield self._gcloud("iam service-accounts create postroom-push")
        yield self._gcloud(
            "pubsub subscriptions create postroom --topic=postroom --expiration-period=never"
            f" --ack-deadline=60 --push-endpoint={self.endpoint}"
            f" --push-auth-service-account={self._account('postroom-push')}"
            f" --push-auth-token-audience={self.endpoint}"
        )

    def _pulled(self) -> Iterator[str]:
        yield self._gcloud(
            "pubsub subscriptions create postroom --topic=postroom --expiration-period=never"
            " --ack-deadline=60"
        )
        yield self._bind("subscriptions", "roles/pubsub.subscriber")

    def _viewer(self) -> Iterator[str]:
        yield self._bind("topics", "roles/pubsub.viewer")
        yield self._bind("subscriptions", "roles/pubsub.viewer")

    def _bind(self, kind: str, role: str) -> str:
        member = f"--member=serviceAccount:{self._account('postroom')}"
        return self._gcloud(f"pubsub {kind} add-iam-policy-binding postroom {member} --role={role}")

    def _mailbox(self) -> Iterator[str]:
        way = (
            "--pubsub-pull"
            if self._is_pulled
            else f"--push-service-account {self._account('postroom-push')}"
        )
        yield (
            f"./postroom mailbox add {NAME} NAME --address USER@DOMAIN"
            " --service-account-file key.json"
            f" --pubsub-topic projects/{self.project}/topics/postroom"
            f" --pubsub-subscription projects/{self.project}/subscriptions/postroom {way}"
        )

    def _gcloud(self, command: str) -> str:
        return f"gcloud {command} --project={self.project}"


def _lines(values: Mapping[str, OptionValue], public_url: str) -> Sequence[str]:
    project = text(values, "project")
    if not _PROJECT.fullmatch(project):
        raise InvalidAccount(f"--project {project!r} is no id of a Google Cloud project")
    if values.get(PULL, False) is True:
        return tuple(_Script(project, endpoint=""))
    if not is_public(public_url):
        raise InvalidAccount(f"{NO_PUBLIC_URL}, or have notifications pulled by --{PULL}")
    return tuple(_Script(project, endpoint=f"{public_url}/webhooks/{NAME}"))


PREPARATION = Preparation(options=_OPTIONS, lines=_lines)
