"""Console: the pages for people. So far the reference of this API.

Owns the committed description of the API (`openapi.json`, made by `make openapi`) and the page that shows it. Keeps
nothing, says no events and listens to none.
"""
