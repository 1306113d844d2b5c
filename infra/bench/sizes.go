package bench

import "path/filepath"

// Size is how large a function's binary is, as it is deployed, beside its floor
// (HelloOf).
type Size struct {
	Function   string `json:"function"`
	Bytes      int    `json:"bytes"`
	Floor      string `json:"floor"`
	FloorBytes int    `json:"floorBytes"`
	Parts      []Part `json:"parts,omitempty"` // what it has more, where that is more than SizeAtMost allows
}

// Part is what packages of one kind add to a binary.
type Part struct {
	Of    string `json:"of"`
	Bytes int    `json:"bytes"`
}

// SizeAtMost is the goal: so many times its floor. The floors make clients and no calls,
// so the linker leaves most of the SDK out of them.
const SizeAtMost = 1.1

// Ratio is the function's size to its floor's.
func (s Size) Ratio() float64 { return float64(s.Bytes) / float64(s.FloorBytes) }

// SizesFile has the sizes, from the repository's root. infra/test/template measures them.
const SizesFile = "infra/bench/sizes.json"

// ReadSizes reads it in the repository at root.
func ReadSizes(root string) (all []Size, err error) {
	err = readJSON(filepath.Join(root, filepath.FromSlash(SizesFile)), &all)
	return all, err
}
