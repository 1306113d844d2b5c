package store

import (
	"strings"
	"testing"
	"time"
)

// TestWritesOfFailures shows whole writes, as DynamoDB gets them: one clause a line.
func TestWritesOfFailures(t *testing.T) {
	now := time.UnixMilli(1_900_000_000_000)
	two := Count{N: 2, Since: now, Last: now}
	// What Find gives for an address from which the operator ann has failed twice, with
	// the secrets that have the tags a and b.
	seen := Failures{
		All: two, Principal: two, AllGuesses: two, Guesses: two,
		source: "192.0.2.1", principal: PrincipalKey(Operator, "ann"),
		salt: []byte("salt"), secrets: []string{"a", "b"},
	}
	wrong := Attempt{Secret: "wrong"}
	failure := Failure{Now: now, Expires: now, RememberedSecrets: 5}
	lock := failure
	lock.Principal.Locks = 1
	reservation := Principals{}.write(seen, now)
	reservation.reserve(reservation.at.principal, Count{N: 5, Locks: 1}, now, "attempt")

	for name, test := range map[string]struct {
		write *failureWrite
		want  string
	}{
		"a wrong password": {Principals{}.failure(seen, wrong, failure, "attempt"), `
SET expires = :expires,
    attempt = :attempt,
    #lastAll = :now, #sinceAll = if_not_exists(#sinceAll, :now),
    #lastPrincipal = :now, #sincePrincipal = if_not_exists(#sincePrincipal, :now),
    #tagsPrincipal = list_append(if_not_exists(#tagsPrincipal, :none), :tagsPrincipal)
ADD #nAll :one,
    #nPrincipal :one
IF (attribute_not_exists(attempt) OR attempt <> :attempt) AND
    (attribute_not_exists(#tagsPrincipal) OR NOT contains(#tagsPrincipal, :tagPrincipal)) AND
    attribute_not_exists(#nGuesses) AND
    attribute_not_exists(#nAllGuesses)
`},
		"a wrong password that leads to the first lock": {Principals{}.failure(seen, wrong, lock, "attempt"), `
SET expires = :expires,
    attempt = :attempt,
    #lastAll = :now, #sinceAll = if_not_exists(#sinceAll, :now),
    #lastPrincipal = :now, #sincePrincipal = if_not_exists(#sincePrincipal, :now),
    #locksPrincipal = :locksPrincipal,
    #tagsPrincipal = list_append(if_not_exists(#tagsPrincipal, :none), :tagsPrincipal)
ADD #nAll :one,
    #nPrincipal :one
IF (attribute_not_exists(attempt) OR attempt <> :attempt) AND
    attribute_not_exists(#locksPrincipal) AND
    (attribute_not_exists(#tagsPrincipal) OR NOT contains(#tagsPrincipal, :tagPrincipal)) AND
    attribute_not_exists(#nGuesses) AND
    attribute_not_exists(#nAllGuesses)
`},
		"an attempt takes the second lock before it is looked at": {reservation, `
SET expires = :expires,
    #lastPrincipal = :lastPrincipal, #locksPrincipal = :locksPrincipal, #attemptPrincipal = :attempt
IF (#locksPrincipal = :wasPrincipal OR #attemptPrincipal = :attempt)
`},
	} {
		if got := clauses(test.write); got != test.want {
			t.Errorf("%s: got%s", name, got)
		}
	}
}

func clauses(w *failureWrite) string {
	lines := "\nSET " + strings.Join(w.set, ",\n    ") + "\n"
	if len(w.add) > 0 {
		lines += "ADD " + strings.Join(w.add, ",\n    ") + "\n"
	}
	return lines + "IF " + strings.Join(w.conditions, " AND\n    ") + "\n"
}
