package bench

import "path/filepath"

// Run is one run of a scheduled function in which there is nothing to do.
type Run struct {
	Function string `json:"function"`
	ADay     int    `json:"aDay"` // how often its schedule starts it
	Count
	Signatures int `json:"signatures,omitzero"` // by KMS
	Secrets    int `json:"secrets,omitzero"`    // read from Secrets Manager
}

// Kept is what stays of erasures: bytes of items with their names, as AWS counts them.
type Kept struct {
	Record  int `json:"recordOfOneSubject"`
	Numbers int `json:"recordOf1000Numbers"` // with its other items
	Pointer int `json:"pointerToRecord"`     // of a customer, until it expires
	Leaf    int `json:"leaf"`                // in its tile
}

// Own is what the product does at rest, and what stays of what it has done. It is counted
// by infra/test/units.
type Own struct {
	Runs []Run `json:"runs"`
	Kept Kept  `json:"kept"`
	// Metrics is how many metrics these functions write.
	Metrics int `json:"metrics"`
	// Lines is how many bytes the lines of log of the functions have, by "function:
	// message".
	Lines map[string]int `json:"lines"`
}

// OwnFile is where Own is, from the repository's root.
const OwnFile = "infra/bench/own.json"

// ReadOwn reads it in the repository at root.
func ReadOwn(root string) (own Own, err error) {
	err = readJSON(filepath.Join(root, filepath.FromSlash(OwnFile)), &own)
	return own, err
}
