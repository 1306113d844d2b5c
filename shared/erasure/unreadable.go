package erasure

import (
	"log/slog"

	"customercare/shared/store"
)

// warn says, in the log and from now on in the job and its record, that contacts were
// read whose parties are stored in a way that nobody can read. The caller calls it
// before the contacts are deleted, so that no worker's death hides it.
//
// The copies that the job's numbers have filed are deleted like all others, and so are
// those under the numbers that can be made out. Where there are more copies nobody knows
// of them: each is deleted when the number is erased that it is filed under.
func (r reading) warn(job *store.Job) {
	var contacts map[string]bool
	for _, copies := range r.copies {
		for _, c := range copies {
			if _, whole := c.Parties.Parties(); !whole {
				if contacts == nil {
					contacts = make(map[string]bool)
				}
				contacts[c.Contact] = true
			}
		}
	}
	if len(contacts) > 0 {
		job.Unreadable = true
		slog.Warn("the parties of contacts cannot be read, copies under other numbers may be left",
			"job", job.ID, "contacts", len(contacts))
	}
}
