package clients

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"customercare/infra/bench/erase/bed"
	"customercare/infra/bench/result"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

// alone is how many customers a second are erased when nothing but the function's DynamoDB calls is made, by as many
// goroutines of one process as there would be clients: what HTTP, the gateway, the authorizing and Lambda add is the rest.
func (s stage) alone(ctx context.Context, l load) (rate float64, err error) {
	codes := make([]string, l.requests)
	for i := range codes {
		codes[i] = fmt.Sprintf("alone-%d-%d", l.clients, i)
	}
	if err := bed.FillCustomers(ctx, s.db, s.table, codes, transactions); err != nil {
		return 0, err
	}
	principals := store.Principals{DB: s.db, Table: s.principals}
	intake := erasure.NewCustomerIntake(
		store.Erasures{DB: s.db, Table: s.ledger},
		store.Customers{DB: s.db, Table: s.table, Limiter: store.NewLimiter(8)},
		erasure.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key for customers that are made up")}},
		erasure.Timing{WriterLifetime: 5 * time.Minute, ClockSkew: time.Minute}, erasure.SystemClock(),
	)
	group, erasing := errgroup.WithContext(ctx)
	group.SetLimit(l.clients)
	began := time.Now()
	for _, code := range codes {
		group.Go(func() error {
			if _, _, err := principals.Find(erasing, store.APIUser, "nobody", "127.0.0.1"); err != nil {
				return err
			}
			return intake.Customer(erasing, bed.Account, code, "nobody", time.Second)
		})
	}
	err = group.Wait()
	rate = float64(l.requests) / time.Since(began).Seconds()
	if err != nil {
		return 0, err
	}
	return rate, s.nothingLeft(ctx)
}

// explain says why a rate stays below the vault's.
func explain(f *result.Figure, alone float64) {
	f.Also = append(f.Also, result.Number{Name: "its DynamoDB calls alone", Value: alone, Unit: "customers/s"})
	if !f.Met {
		f.Note = "the intent, the tombstone and the deletions are one transaction, behind a reading of the customer and before another that shows " +
			"that nobody came in between, and the caller's key is read: four calls (there were six). What these calls reach on this DynamoDB Local " +
			"by themselves, without HTTP and Lambda, is under also"
	}
}
