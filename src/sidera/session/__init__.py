"""Projects: what is remembered of a night between runs, in one SQLite file. The only part that knows SQL."""

from sidera.session.project import Project, create, open_project
from sidera.session.recent import RecentProject, recent_projects

__all__ = ["Project", "RecentProject", "create", "open_project", "recent_projects"]
