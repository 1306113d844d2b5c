package tiles

import (
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Policy reads the keys of the logs that a policy file trusts
// (https://c2sp.org/tlog-policy). One that asks for witnesses is refused, because nobody
// here counts their signatures. The error is a sentence.
func Policy(text string) (note.Verifiers, error) {
	var keys []note.Verifier
	quorums := 0
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case words[0] == "log" && (len(words) == 2 || len(words) == 3):
			key, err := note.NewVerifier(words[1])
			if err != nil {
				return nil, errors.New("the policy names a log by a text that is no verifier key")
			}
			keys = append(keys, key)
		case len(words) == 2 && words[0] == "quorum" && words[1] == "none":
			quorums++
		case words[0] == "witness" || words[0] == "group" || words[0] == "quorum":
			return nil, errors.New("the policy asks for witnesses, which this program does not know:" +
				" it must say \"quorum none\"")
		default:
			return nil, errors.New("this is not a policy: its lines are \"log <verifier key>\" and \"quorum none\"")
		}
	}
	if len(keys) == 0 || quorums != 1 {
		return nil, errors.New("the policy must name a log, and say \"quorum none\" once")
	}
	return note.VerifierList(keys...), nil
}
