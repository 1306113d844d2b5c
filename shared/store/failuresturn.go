package store

import (
	"context"
	"strconv"
	"time"
)

// A turn is stored as "<until, Unix milliseconds>#<id>". The second half of each
// condition of taking one holds where this very write was made, its answer was lost, and
// it is sent again.
var (
	// SET #turnPrincipal = :turn
	// IF (attribute_not_exists(#turnPrincipal) OR #turnPrincipal = :turn)
	takeFirstTurn = statement{
		set:       "#turn$ = :turn",
		condition: "(attribute_not_exists(#turn$) OR #turn$ = :turn)",
	}
	// SET #turnPrincipal = :turn
	// IF (#turnPrincipal = :before OR #turnPrincipal = :turn)
	takeNextTurn = statement{
		set:       "#turn$ = :turn",
		condition: "(#turn$ = :before OR #turn$ = :turn)",
	}
	// REMOVE #turnPrincipal IF #turnPrincipal = :turn
	endTurn = statement{remove: "#turn$", condition: "#turn$ = :turn"}
)

// TakeTurn lets one attempt be looked at, and no other for the principal before that one
// ends its turn, or before until. It is no lock and counts nothing. Of all that ask at
// the same moment one gets a turn, which it gives to EndTurn, or to CountFailure in
// Failure.Turn; the others get "".
func (p Principals) TakeTurn(ctx context.Context, seen Failures, until, expires time.Time) (Failures, string, error) {
	turn := strconv.FormatInt(until.UnixMilli(), 10) + "#" + NewID(until)
	w := p.write(seen, expires)
	if seen.turn == "" {
		w.include(takeFirstTurn, w.at.principal, object{":turn": text(turn)})
	} else {
		w.include(takeNextTurn, w.at.principal, object{":turn": text(turn), ":before": text(seen.turn)})
	}
	err := w.send(ctx)
	if _, conflict := conditionFailed(err); conflict {
		return seen, "", nil
	}
	if err != nil {
		return seen, "", failed("principals: take turn", err)
	}
	seen.turn = turn
	return seen, turn, nil
}

// EndTurn ends the turn of an attempt that was let in. It does nothing where the turn is
// another attempt's by now.
func (p Principals) EndTurn(ctx context.Context, seen Failures, turn string, expires time.Time) error {
	w := p.write(seen, expires)
	w.endTurn(turn)
	err := w.send(ctx)
	if _, over := conditionFailed(err); over {
		return nil
	}
	return failed("principals: end turn", err)
}

func (w *failureWrite) endTurn(turn string) {
	w.include(endTurn, w.at.principal, object{":turn": text(turn)})
}
