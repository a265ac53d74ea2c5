package rows

// JSONMemory returns how many bytes the appender keeps for the JSON of a row.
func (a *Appender[T]) JSONMemory() int { return cap(a.json) }
