package bulk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"customercare/infra/client"
)

// firstPause is how long is waited before the end of an erasure is asked for again; then
// twice as long, and so on to lastPause.
const (
	firstPause = time.Second
	lastPause  = 15 * time.Second
)

// wait asks for the outcomes of all rows that are accepted, until their erasures have
// ended. It takes the erasures in the order of the result file, some at a time: what was
// accepted first ends first.
func (e *eraser) wait(ctx context.Context) error {
	info, err := e.journal.file.Stat()
	if err != nil {
		return fmt.Errorf("the result file cannot be read")
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(AtOnce)
	var together []entry // rows of one erasure
	flush := func() {
		if rows := together; len(rows) > 0 {
			group.Go(func() error { return e.end(ctx, rows) })
		}
		together = nil
	}
	err = e.journal.each(ctx, info.Size(), func(row entry, _ int) error {
		if row.Outcome != Accepted || e.journal.state(row.Line) != stateAccepted || row.Erasure == "" {
			return nil
		}
		if len(together) > 0 && (together[0].Erasure != row.Erasure || len(together) == mostList) {
			flush()
		}
		together = append(together, row)
		return nil
	})
	flush()
	if failed := group.Wait(); failed != nil {
		return failed
	}
	return err
}

// end waits for the end of one erasure, and writes the outcomes of its rows down.
func (e *eraser) end(ctx context.Context, rows []entry) error {
	kind, subjects := "", make([]string, len(rows))
	for i, row := range rows {
		named, err := e.plan.layout.row(e.plan.file, row.At)
		if err != nil {
			return err
		}
		kind, subjects[i] = named.Kind, named.ID
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		answer, err := e.send(ctx, kind, client.ReadSubjects(rows[0].Erasure, subjects...))
		if err != nil {
			return err
		}
		var body struct {
			Subjects []struct{ Outcome string }
			Detail   string
		}
		wrong := json.Unmarshal([]byte(answer.Body), &body)
		switch {
		case wrong == nil && answer.Status != http.StatusOK:
			e.Notes(fmt.Sprintf("the end of erasure %s cannot be read: %s", rows[0].Erasure, body.Detail))
			return nil
		case wrong != nil || len(body.Subjects) != len(rows):
			return odd(answer)
		case body.Subjects[0].Outcome != Accepted:
			for i, subject := range body.Subjects {
				if subject.Outcome != Erased && subject.Outcome != NotFound && subject.Outcome != Held {
					return odd(answer)
				}
				rows[i].Outcome = subject.Outcome
			}
			return e.journal.write(rows...)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}
