"""How ``samfit fit`` answers: tables, words, and a heat map of methods and cards."""
