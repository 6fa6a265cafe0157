"""Real data to work with: what comes with the package, and public sets that are fetched or found.

``shipped.py`` the registry of what comes along and its checksums, ``public.py`` what others have
published, ``loading.py`` from a name to a log or a table.
"""

from predictor.bundle.loading import dataset_names, dataset_path, load_dataset

__all__ = ["dataset_names", "dataset_path", "load_dataset"]
