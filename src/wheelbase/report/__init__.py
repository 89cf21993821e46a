"""From values to text, Markdown and JSON. Pure: nothing here prints."""
