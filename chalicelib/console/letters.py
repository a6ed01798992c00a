"""What staff do with letters. The doors stand up here, since who may enter is known only above those who write them."""

from typing import Final

from chalicelib.console.schemas import (
    BlockLifted,
    LiftBlock,
    ListNotices,
    NoticeList,
    NoticeView,
    PreviewTemplate,
    TemplateList,
    TemplateView,
)
from chalicelib.core.api import Api, Text
from chalicelib.core.idempotency import Claim
from chalicelib.identity.service import staff
from chalicelib.notices import service as notices
from chalicelib.notices.errors import NoticeNotFound, NotResendable, UnknownTemplate

HTML: Final = "text/html; charset=utf-8"
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-popups"
)
"""A letter styles itself line by line, as letters must; it loads nothing and runs nothing."""

api = Api(__name__)


@api.get("/notices", access=staff("notices:read"), query=ListNotices, answers={200: NoticeList})
def list_notices(query: ListNotices) -> NoticeList:
    """Letters, newest first, by person and by state where given; whom they went to is masked.

    Those whose contents have been erased are found by person alone. With person and state a page may hold fewer.
    """
    page = notices.page(subject=query.subject, state=query.state, limit=query.limit, cursor=query.cursor)
    return NoticeList([NoticeView.of(shown) for shown in page.items], page.next_cursor)


@api.get("/notices/{notice_id}", access=staff("notices:read"), answers={200: NoticeView}, refusals=(NoticeNotFound,))
def get_notice(notice_id: str) -> NoticeView:
    """A letter and what became of it; whom it went to is masked."""
    return NoticeView.of(notices.get(notice_id))


@api.post(
    "/notices/{notice_id}/resend",
    access=staff("notices:write"),
    answers={200: NoticeView},
    idempotent=True,
    refusals=(NoticeNotFound, NotResendable),
)
def resend_notice(notice_id: str, claim: Claim) -> NoticeView:
    """Send a letter once more, to the same person with the same contents."""
    return NoticeView.of(notices.resend(notice_id, claim))


@api.get("/notice-templates", access=staff("notices:read"), answers={200: TemplateList})
def list_templates() -> TemplateList:
    """Every kind of letter, with the facts it needs."""
    return TemplateList([TemplateView.of(template) for template in notices.TEMPLATES.values()])


@api.get(
    "/notice-templates/{template}/preview",
    access=staff("notices:read"),
    query=PreviewTemplate,
    answers={200: HTML},
    refusals=(UnknownTemplate,),
)
def preview_template(template: str, query: PreviewTemplate) -> Text:
    """A letter of this kind as a page, filled with sample facts."""
    return Text(notices.preview(template, query.language), HTML, policy=POLICY)


@api.post("/notice-suppressions/lift", access=staff("notices:write"), body=LiftBlock, answers={200: BlockLifted})
def lift_block(asked: LiftBlock) -> BlockLifted:
    """Send letters to an address again that bounced or complained."""
    return BlockLifted(notices.lift_block(asked.email))
