"""Privacy: what is kept of people and why, and what they may ask of us (UU PDP No. 27/2022, GDPR).

Words: *inventory* (every stored field, and what becomes of the personal ones), *export* (a customer's copy of all that
is kept of them), *erasure* (a customer is forgotten: what must stay stays without a name, then their key is destroyed),
*legal hold* (nothing of a customer may be erased for now), *retention* (how long each class of data is kept), *breach*
(personal data got where it must not; a clock of 3 x 24 hours runs). Says export.requested, erasure.requested,
erasure.completed, breach.recorded and breach.notice_ordered; listens to export.requested, erasure.requested,
breach.recorded and breach.notice_ordered.
"""
