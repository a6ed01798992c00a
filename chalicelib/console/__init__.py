"""Console: the pages for people. So far the reference of this API, where invitations and resets lead, the desks of
letters and switches, and how the system is doing.

Owns the committed description of the API (`openapi.json`, made by `make openapi`) and the page that shows it, and the
doors to what lies so low that it cannot know who may enter. It watches over the system: what has run, what waits, what
answers. Keeps nothing. Says ``relay.probed``, to see how long events take; listens to none.
"""
