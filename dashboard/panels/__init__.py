"""What the pages share: access, the workspace, questions and their answers, how things are shown."""
