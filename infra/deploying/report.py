"""What stands after a deployment, and what only a person can do."""

from typing import Final

from botocore.exceptions import ClientError

from infra.deploying import record
from infra.deploying.cloud import missing
from infra.deploying.deployment import Deployment

WEBHOOKS: Final = {
    "Midtrans (Settings, Payment, Notification URL)": "/webhooks/payments/midtrans",
    "WhatsApp (App, WhatsApp, Configuration, Callback URL)": "/webhooks/notices/whatsapp",
}


def give(deployment: Deployment, url: str) -> None:
    """Say it."""
    _look_at_mail(deployment)
    kept = record.kept(deployment)
    deployment.say(f"\n{deployment.name} runs version {kept.get('version', '?')} in {deployment.cloud.region}.")
    deployment.say(f"  API        {url}/")
    deployment.say(f"  Reference  {url}/docs")
    if dashboard := deployment.outputs().get("DashboardUrl"):
        deployment.say(f"  Dashboard  {dashboard}")
    deployment.say("\nAddresses to type in at partners:")
    for where, path in WEBHOOKS.items():
        deployment.say(f"  {where}: {url}{path}")
    deployment.say("\nTo be done by hand:")
    owner = f"make owner STAGE={deployment.name} EMAIL=… NAME=…"
    for note in [*deployment.notes, f"The shop's first owner, if there is none yet: {owner}"]:
        deployment.say(f"  - {note}")


def _look_at_mail(deployment: Deployment) -> None:
    """Note what keeps letters from being sent."""
    sender = deployment.stage.sender
    if not sender:
        deployment.note("mail.sender is not set, so no letters are sent.")
        return
    try:
        if not any(_is_verified(deployment, identity) for identity in (sender, sender.partition("@")[2])):
            deployment.note(
                f"SES does not know {sender}: verify its domain (SES, Identities) and publish its DKIM records."
            )
        if not deployment.client("sesv2").get_account().get("ProductionAccessEnabled"):
            deployment.note("SES is in its sandbox and sends to verified addresses only: ask for production access.")
    except ClientError as error:
        deployment.note(f"Whether letters can be sent could not be read ({error}).")


def _is_verified(deployment: Deployment, identity: str) -> bool:
    ses = deployment.client("sesv2")
    found = missing(lambda: ses.get_email_identity(EmailIdentity=identity), "NotFoundException")
    return bool(found and found.get("VerifiedForSendingStatus"))
