package erasure

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"customercare/shared/store"
)

// keeper finds out which contacts holds keep from an erasure of numbers.
type keeper struct {
	holds  store.Holds
	tenant string
	marked map[string][]store.Marks // by contact, of copies that only a deletion has met
	ended  map[string]bool          // ids of holds that have ended
	// letGo takes the marks of holds that have ended away from a copy.
	letGo func(ctx context.Context, number, contact string, holds []string) error
}

func newKeeper(
	holds store.Holds, tenant string, letGo func(ctx context.Context, number, contact string, holds []string) error,
) keeper {
	return keeper{holds, tenant, map[string][]store.Marks{}, map[string]bool{}, letGo}
}

// keep takes the contacts out of the window that holds keep, and notes in the job whose
// they are. It looks at the holds after the window was read. So it sees every hold that
// began before one of these contacts was filed. A contact that stood there before is
// marked when the hold becomes active, and no deletion takes it then.
func (p *numbersPass) keep(ctx context.Context) error {
	numbers := p.job.Identifiers[p.job.Cursor : p.job.Cursor+len(p.found.copies)]
	kept, err := p.kept(ctx, numbers, p.found.copies, p.erased)
	if err != nil || len(kept) == 0 {
		return err
	}
	for i := range p.found.copies {
		p.found.copies[i] = slices.DeleteFunc(p.found.copies[i], func(c store.Copy) bool {
			if kept[c.Contact] == nil {
				return false
			}
			for _, hold := range kept[c.Contact] {
				if !slices.Contains(p.job.Holds, hold) {
					p.job.Holds = append(p.job.Holds, hold)
				}
			}
			for _, party := range numbersOf(c, numbers[i]) {
				if at, ours := slices.BinarySearch(p.job.Identifiers, party); ours {
					p.job.Outcomes.Set(at, store.Held)
				}
			}
			return true
		})
	}
	return nil
}

// kept is the contacts that holds keep, and by which holds. copies are those that were
// read under each of numbers; of those in erased nobody asks any more.
func (k keeper) kept(
	ctx context.Context, numbers []string, copies [][]store.Copy, erased map[string]bool,
) (kept map[string][]string, err error) {
	held, err := k.look(ctx, numbers, copies, erased)
	if err != nil {
		return nil, err
	}
	kept = map[string][]string{}
	err = eachCopy(copies, erased, func(i int, c store.Copy) error {
		if len(held) == 0 && c.Marks == nil && k.marked[c.Contact] == nil {
			return nil
		}
		holds, err := k.keptBy(ctx, numbers[i], c, held)
		if len(holds) > 0 {
			kept[c.Contact] = append(kept[c.Contact], holds...)
		}
		return err
	})
	return kept, err
}

// eachCopy calls do for the copies, with the indexes of their numbers, but for those of
// contacts that were erased since.
func eachCopy(copies [][]store.Copy, erased map[string]bool, do func(i int, c store.Copy) error) error {
	for i, under := range copies {
		for _, c := range under {
			if erased[c.Contact] {
				continue
			}
			if err := do(i, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// numbersOf is every number that a copy under number shows to take part in its contact.
func numbersOf(c store.Copy, number string) []string {
	parties, _ := c.Parties.Parties()
	return append(parties[:len(parties):len(parties)], number)
}

// lookAtOnce is how many numbers are held in memory, about, to be looked for.
const lookAtOnce = 1000

// look says which numbers of the copies' contacts are held, and by which holds. Where
// there is no copy, or no number of the tenant is held, it asks no further.
func (k keeper) look(
	ctx context.Context, numbers []string, copies [][]store.Copy, erased map[string]bool,
) (held map[string][]string, err error) {
	if !slices.ContainsFunc(copies, func(under []store.Copy) bool { return len(under) > 0 }) {
		return nil, nil
	}
	any, err := k.holds.AnyOf(ctx, k.tenant)
	if err != nil || !any {
		return nil, err
	}
	held = map[string][]string{}
	asked := make(map[string]bool, lookAtOnce)
	ask := func() error {
		found, err := k.holds.OfNumbers(ctx, k.tenant, slices.Collect(maps.Keys(asked)))
		maps.Copy(held, found)
		clear(asked)
		return err
	}
	err = eachCopy(copies, erased, func(i int, c store.Copy) error {
		for _, party := range numbersOf(c, numbers[i]) {
			asked[party] = true
		}
		if len(asked) < lookAtOnce {
			return nil
		}
		return ask()
	})
	if err == nil {
		err = ask()
	}
	return held, err
}

// keptBy is the holds that keep a copy under number. Marks of holds that have ended it
// takes away.
func (k keeper) keptBy(
	ctx context.Context, number string, c store.Copy, held map[string][]string,
) (holds []string, err error) {
	for _, party := range numbersOf(c, number) {
		holds = append(holds, held[party]...)
	}
	marks := k.marked[c.Contact]
	if c.Marks != nil {
		standing, err := k.standing(ctx, *c.Marks)
		if err != nil {
			return nil, err
		}
		if holds = append(holds, standing...); len(standing) == 0 {
			if err := k.letGo(ctx, number, c.Contact, c.Marks.Holds); err != nil {
				return nil, err
			}
		}
	}
	for _, m := range marks {
		standing, err := k.standing(ctx, m)
		if err != nil {
			return nil, err
		}
		holds = append(holds, standing...)
	}
	return holds, nil
}

// unknownHold stands for what keeps a copy and is no hold that anybody could release.
const unknownHold = ""

// standing is which of the holds of a mark still hold.
func (k keeper) standing(ctx context.Context, m store.Marks) (standing []string, err error) {
	if m.Foreign {
		return []string{unknownHold}, nil
	}
	var asked []string
	for _, id := range m.Holds {
		if !k.ended[id] {
			asked = append(asked, id)
		}
	}
	if len(asked) == 0 {
		return nil, nil
	}
	ended, err := k.holds.Ended(ctx, asked)
	for _, id := range asked {
		if ended[id] {
			k.ended[id] = true // it never holds again
		} else {
			standing = append(standing, id)
		}
	}
	return standing, err
}

// noteKept notes copies under other numbers that holds keep, for the next reading of the
// window. What only holds keep that have ended it lets go.
func (k keeper) noteKept(ctx context.Context, kept []store.KeptCopy) error {
	for _, c := range kept {
		standing, err := k.standing(ctx, c.Marks)
		if err != nil {
			return err
		}
		switch {
		case len(standing) > 0:
			k.marked[c.Contact] = append(k.marked[c.Contact], c.Marks)
		case len(c.Marks.Holds) > 0:
			if err := k.letGo(ctx, c.Number, c.Contact, c.Marks.Holds); err != nil {
				return err
			}
		}
	}
	return nil
}

// beginPass forgets what the pass before has found to be kept: it may be gone since, or
// the hold released.
func beginPass(job *store.Job) {
	job.Holds = nil
	for i := range job.Identifiers {
		if job.Outcomes.Of(i) == store.Held {
			job.Outcomes.Set(i, store.Erased)
		}
	}
}

// errReleased says that a hold has ended that kept something in the last pass.
var errReleased = errors.New("erasure: a hold has ended")

// ask leaves the numbers of which something is kept with the holds that keep it: their
// release opens a new erasure of them. It comes before the end, so that a hold that is
// released meanwhile has them in any case. errReleased when one is released already. Then
// another pass erases what it kept.
func (e eraser) ask(ctx context.Context, job *store.Job, digests []string) error {
	asked := store.AskedNumbers{Erasure: job.ID, By: job.RequestedBy, Ticket: job.Ticket}
	for i, number := range job.Identifiers {
		if job.Outcomes.Of(i) != store.Held {
			continue
		}
		asked.Numbers = append(asked.Numbers, number)
		if len(digests) == len(job.Identifiers) {
			asked.Subjects = append(asked.Subjects, digests[i])
		}
	}
	if len(asked.Numbers) == 0 {
		return nil
	}
	for _, hold := range job.Holds {
		err := store.ErrNoHold
		if hold != unknownHold {
			err = e.holds.Ask(ctx, hold, asked)
		}
		switch {
		case errors.Is(err, store.ErrHoldChanged):
			return errReleased
		case errors.Is(err, store.ErrNoHold):
			slog.Warn("something is kept that no hold on record keeps", "job", job.ID)
		case err != nil:
			return err
		}
	}
	return nil
}
