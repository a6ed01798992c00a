"""Console: the pages for people. So far the reference of this API, where invitations and resets lead, and the desk of
letters.

Owns the committed description of the API (`openapi.json`, made by `make openapi`) and the page that shows it, and the
doors to what lies so low that it cannot know who may enter. Keeps nothing, says no events and listens to none.
"""
