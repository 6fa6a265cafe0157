"""What the pages share: access, the workspace, questions and answers, how things are shown."""
