"""The rules marked: the backtest of a published database, the labels it is marked against, the scores it must reach."""
