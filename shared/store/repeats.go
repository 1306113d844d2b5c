package store

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// repeatsSuffix ends the attributes of a principal's repeats; no hash ends so.
const repeatsSuffix = "r"

// turnAttribute begins the attribute with the turn, which is "until#attempt".
const turnAttribute = "turn"

func (f *Failures) readRepeats(item object, own string) {
	f.Repeats = Count{N: item.number("n" + own + repeatsSuffix), Since: item.millis("since" + own + repeatsSuffix)}
	f.turn = item.text(turnAttribute + own)
	if until, _, ok := strings.Cut(f.turn, "#"); ok {
		ms, _ := strconv.ParseInt(until, 10, 64) // written by TakeTurn
		f.Turn = time.UnixMilli(ms)
	}
}

// repeat counts a secret that was looked at again. It is counted once more when the answer
// to the write is lost: no more hangs on it.
func (u *failureUpdate) repeat(own string, seen Failures, f Failure) {
	u.names["#rn"], u.names["#rs"] = "n"+own+repeatsSuffix, "since"+own+repeatsSuffix
	u.values[":rone"], u.values[":rnow"] = number(1), millis(f.Now)
	if f.Repeats.Anew {
		u.set = append(u.set, "#rn = :rone", "#rs = :rnow")
		u.only("#rs = :rsince", ":rsince", millis(seen.Repeats.Since))
		return
	}
	u.set = append(u.set, "#rs = if_not_exists(#rs, :rnow)")
	u.added = append(u.added, "#rn :rone")
}

// TakeTurn lets one attempt be looked at, and no other one for the principal until it ends
// its turn, or until then. It is no lock and counts nothing. Of all that ask at the same
// moment one gets it: the turn to end it by; the others get "".
func (p Principals) TakeTurn(ctx context.Context, seen Failures, until, expires time.Time) (Failures, string, error) {
	turn := strconv.FormatInt(until.UnixMilli(), 10) + "#" + NewID(until)
	u := p.failure(seen, expires)
	u.names["#turn"], u.values[":turn"] = turnAttribute+brief(seen.principal), text(turn)
	u.set = append(u.set, "#turn = :turn")
	// The second: this very write was made, its answer lost, and it is made again.
	if seen.turn == "" {
		u.requirements = append(u.requirements, "(attribute_not_exists(#turn) OR #turn = :turn)")
	} else {
		u.only("(#turn = :before OR #turn = :turn)", ":before", text(seen.turn))
	}
	err := u.do(ctx)
	if _, refused := conditionFailed(err); refused {
		return seen, "", nil
	}
	if err != nil {
		return seen, "", failed("principals: take turn", err)
	}
	seen.turn = turn
	return seen, turn, nil
}

// EndTurn ends a turn whose attempt was let in; CountFailure ends the others.
func (p Principals) EndTurn(ctx context.Context, seen Failures, turn string, expires time.Time) error {
	u := p.failure(seen, expires)
	u.endTurn(brief(seen.principal), turn)
	err := u.do(ctx)
	if _, another := conditionFailed(err); another { // it took too long, or has ended
		return nil
	}
	return failed("principals: end turn", err)
}

func (u *failureUpdate) endTurn(own, turn string) {
	u.remove("#turn", turnAttribute+own)
	u.only("#turn = :mine", ":mine", text(turn))
}
