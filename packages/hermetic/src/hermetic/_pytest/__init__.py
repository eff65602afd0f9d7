"""
The pytest plugin: it only wires.
"""

from hermetic._pytest.unrewritten import leave_unrewritten

# Before any other part of the plugin is loaded.
leave_unrewritten()
