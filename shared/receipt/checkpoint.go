package receipt

import (
	"encoding/base64"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// CheckpointText is what a log's key signs of a tree: the log's name, the number of
// leaves and the root, a line each (https://c2sp.org/tlog-checkpoint).
func CheckpointText(origin string, tree tlog.Tree) string {
	root := base64.StdEncoding.EncodeToString(tree.Hash[:])
	return origin + "\n" + strconv.FormatInt(tree.N, 10) + "\n" + root + "\n"
}

// OpenCheckpoint gives the tree of a signed note that one of the verifiers' keys has
// signed, the log's own: the key's name is the note's first line. The errors are
// sentences, see Verify.
func OpenCheckpoint(text string, verifiers note.Verifiers) (tree tlog.Tree, origin string, err error) {
	signed, err := note.Open([]byte(text), verifiers)
	if err != nil {
		return tree, "", signature(text, err)
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] == "" { // the text ends with a line feed
		return tree, "", ErrCheckpoint
	}
	origin = lines[0]
	own := false
	for _, s := range signed.Sigs {
		own = own || s.Name == origin
	}
	if !exact(text[len(signed.Text):]) {
		return tree, "", ErrSignature
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	root, rootErr := tlog.ParseHash(lines[2])
	tree = tlog.Tree{N: size, Hash: root}
	switch {
	case !own:
		return tree, "", &KeyError{Name: origin}
	case err != nil || rootErr != nil || size < 0 ||
		!strings.HasPrefix(signed.Text, CheckpointText(origin, tree)):
		return tree, "", ErrCheckpoint
	}
	return tree, origin, nil
}

// exact says whether the lines of a note's signatures are as signers write them: in the
// base64 that an encoder writes, and one for each key. A reader of notes takes others for
// the same, and two texts of one receipt are one too many.
func exact(signatures string) bool {
	seen := map[string]bool{}
	for line := range strings.SplitSeq(strings.Trim(signatures, "\n"), "\n") {
		fields := strings.Fields(line) // a dash, the name, the key's hash with the signature
		if len(fields) != 3 {
			return false
		}
		decoded, err := base64.StdEncoding.DecodeString(fields[2])
		if err != nil || len(decoded) < 5 || base64.StdEncoding.EncodeToString(decoded) != fields[2] {
			return false
		}
		key := fields[1] + string(decoded[:4])
		if seen[key] {
			return false
		}
		seen[key] = true
	}
	return true
}

// signature is the error of a note that cannot be opened.
func signature(text string, err error) error {
	if _, unknown := err.(*note.UnverifiedNoteError); unknown {
		name, _, _ := strings.Cut(text, "\n")
		return &KeyError{Name: name}
	}
	if _, wrong := err.(*note.InvalidSignatureError); wrong {
		return ErrSignature
	}
	return ErrCheckpoint
}
