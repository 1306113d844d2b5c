package main

import "time"

// A contact of the simulation is filed under two parties: under its own number, which is never throttled, and under the one
// that all share.
const actionsOfContact = 2

// bite and portion are store's: how many actions a transaction has, by what went through before. A smaller one is taken to
// last as long as a whole one.
type bite struct{ start int }

type portion struct{ size, trusted int }

func (b *bite) taken(of *portion, n, most int) {
	of.size, of.trusted = min(most, max(of.size, 2*n)), max(of.trusted, n)
	b.start = max(b.start, n)
}

func (b *bite) throttled(of *portion, n int) {
	half := max(1, n/2)
	of.size, of.trusted, b.start = min(of.size, half), min(of.trusted, half), min(b.start, half)
}

// eraseTogether is store's: n contacts in one transaction, or in as few as the partition takes.
func (a *account) eraseTogether(p *process, j *job, g *gate, n int, until time.Duration, found *bite) ending {
	of := portion{found.start, found.start}
	half := false // the first contact's shared copy is gone, its own is left
	for idle := 0; n > 0; {
		contacts, shared, actions := min(n, of.size/actionsOfContact), 0, 0
		switch {
		case half && of.size < actionsOfContact+1:
			contacts, shared, actions = 1, 0, 1
		case half:
			contacts = min(n, 1+(of.size-1)/actionsOfContact)
			shared, actions = contacts-1, actionsOfContact*contacts-1
		case contacts == 0:
			shared, actions = 1, 1
		default:
			shared, actions = contacts, actionsOfContact*contacts
		}
		g.enter(p)
		took := a.attempt(p, shared, shared, until)
		g.leave(a.clock)
		if took == shared {
			idle, half = 0, contacts == 0
			n, j.left, j.moved = n-contacts, j.left-contacts, j.moved+max(1, contacts)
			found.taken(&of, actions, a.transactionSize)
			continue
		}
		if idle++; idle == a.load.patience {
			return gaveUp
		}
		if actions > of.trusted || idle >= a.smallerAfter {
			found.throttled(&of, actions)
		}
		if !a.pause(p, a.backoff(idle), until) {
			return timeUp
		}
	}
	return gone
}
