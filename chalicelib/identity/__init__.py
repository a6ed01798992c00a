"""Identity: who people are and what they may do.

Words: *account* (a staff member, ``stf_…``, or a customer's log-in, under the customer's ``cus_…``), *session* (a
log-in that lasts), *scope* (such as orders:write), *role* (scopes and limits under a name), *key* (a storefront's or an
integration's), *step-up* (proving oneself once more before something weighty). Owns logins, sessions, keys, roles and
the chained audit trail. Listens to audit.recorded.
"""
