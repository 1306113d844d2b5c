package erasure

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/digest"
	"customercare/shared/store"
)

// CustomerSettings is the environment of the function that accepts the erasure of
// customers.
type CustomerSettings struct {
	Erasures   string `env:"ERASURES_TABLE,required,notEmpty"`
	Customers  string `env:"CUSTOMERS_TABLE,required,notEmpty"`
	Holds      string `env:"HOLDS_TABLE,required,notEmpty"`
	BatchCalls int    `env:"BATCH_CALLS,required"` // deleting calls at once, per process
	Timing
}

// Intake is the front door of such a function. db is the client of its tables.
func (s CustomerSettings) Intake(db *dynamodb.Client, digests digest.Digester) CustomerIntake {
	return NewCustomerIntake(
		store.Erasures{DB: db, Table: s.Erasures},
		store.Customers{DB: db, Table: s.Customers, Limiter: store.NewLimiter(s.BatchCalls)},
		store.Holds{DB: db, Table: s.Holds},
		digests, s.Timing, SystemClock(),
	)
}

// HolderSettings is the environment of the functions that place and release holds.
type HolderSettings struct {
	Erasures  string `env:"ERASURES_TABLE,required,notEmpty"`
	Customers string `env:"CUSTOMERS_TABLE,required,notEmpty"`
	Contacts  string `env:"CONTACTS_TABLE,required,notEmpty"`
	Holds     string `env:"HOLDS_TABLE,required,notEmpty"`
	Timing
}

// Holder is what such a function works with. db is the client of its tables. It places
// and ends holds; to go on with a release is cleanup's part (WorkerSettings.Holder).
func (s HolderSettings) Holder(db *dynamodb.Client) Holder {
	return NewHolder(
		store.Erasures{DB: db, Table: s.Erasures}, store.Customers{DB: db, Table: s.Customers},
		store.Contacts{DB: db, Table: s.Contacts}, store.Holds{DB: db, Table: s.Holds}, s.Timing, SystemClock(),
	)
}

// NumbersSettings is the environment of the function that accepts the erasure of
// numbers.
type NumbersSettings struct {
	Erasures string `env:"ERASURES_TABLE,required,notEmpty"`
}

// Intake is the front door of such a function. db is the client of its table.
func (s NumbersSettings) Intake(db *dynamodb.Client, digests digest.Digester) NumbersIntake {
	return NewNumbersIntake(store.Erasures{DB: db, Table: s.Erasures}, digests, time.Now)
}

// WorkerSettings is the environment of the functions that go on with open jobs.
type WorkerSettings struct {
	CustomerSettings
	Contacts string        `env:"CONTACTS_TABLE,required,notEmpty"`
	Lease    time.Duration `env:"WORKER_LEASE,required"`
}

// Holder is what goes on with holds in such a function. db is the client of its tables.
func (s WorkerSettings) Holder(db *dynamodb.Client) Holder {
	return NewHolder(
		store.Erasures{DB: db, Table: s.Erasures},
		store.Customers{DB: db, Table: s.Customers, Limiter: store.NewLimiter(s.BatchCalls)},
		store.Contacts{DB: db, Table: s.Contacts}, store.Holds{DB: db, Table: s.Holds}, s.Timing, SystemClock(),
	)
}

// Worker is what such a function works with. db is the client of its tables.
func (s WorkerSettings) Worker(db *dynamodb.Client) Worker {
	limiter := store.NewLimiter(s.BatchCalls)
	return NewWorker(
		store.Erasures{DB: db, Table: s.Erasures},
		store.Customers{DB: db, Table: s.Customers, Limiter: limiter},
		store.Contacts{DB: db, Table: s.Contacts, Limiter: limiter},
		store.Holds{DB: db, Table: s.Holds},
		store.NewMemory(store.HeldAtMost, store.LargestPage),
		s.Timing, s.Lease, SystemClock(),
	)
}
