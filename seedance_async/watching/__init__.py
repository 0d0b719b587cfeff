"""How tasks in flight are watched: one watcher per session, and few requests for many tasks."""
