"""Notices: letters to people, by e-mail and WhatsApp, in Indonesian and English.

Owns the *notices* (one letter to one person, sealed under that person's key), the *templates* that they are written
from, and the *suppressions*: addresses that nothing is sent to any more. Words: *channel* (e-mail or WhatsApp),
*purpose* (transactional, or the marketing purpose that the person consented to), *facts* (what a letter says, apart
from its template). Says notice.requested and listens to it, since a letter is asked for together with what others do
and sent after; listens to consent.withdrawn.
"""
