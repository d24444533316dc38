// Nothing is called from here: the library is preloaded (clock.c).
