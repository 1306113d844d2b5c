package store

// Outcome is what became of one data subject of an erasure.
type Outcome byte

const (
	// NotFound says that nothing was found of the subject.
	NotFound Outcome = iota
	// Erased says that something was found of the subject, which is erased by the end.
	Erased
	// Held says that something of the subject has to be kept.
	Held
)

// Outcomes are those of the subjects of an erasure, in the order of their identifiers'
// bytes: two bits for each. Subject i has the bits 2*(i%4) and 2*(i%4)+1 of byte i/4.
// Where there is no such byte the subject is NotFound. A worker writes them down before
// it deletes anything, so that they survive its death.
type Outcomes []byte

// Set sets the outcome of the subject with this index.
func (o *Outcomes) Set(index int, outcome Outcome) {
	for len(*o) <= index/4 {
		*o = append(*o, 0)
	}
	at := 2 * (index % 4)
	(*o)[index/4] = (*o)[index/4]&^(3<<at) | byte(outcome)<<at
}

// Of is the outcome of the subject with this index.
func (o Outcomes) Of(index int) Outcome {
	if len(o) <= index/4 {
		return NotFound
	}
	return Outcome(o[index/4] >> (2 * (index % 4)) & 3)
}

// Any says whether any subject has this outcome, which is not NotFound.
func (o Outcomes) Any(outcome Outcome) bool {
	for i := range 4 * len(o) {
		if o.Of(i) == outcome {
			return true
		}
	}
	return false
}

// Found is of how many subjects something was found.
func (o Outcomes) Found() (n int) {
	for i := range 4 * len(o) {
		if o.Of(i) != NotFound {
			n++
		}
	}
	return n
}
