"""Tables, sentences and figures for readers, made from the committed results alone."""
