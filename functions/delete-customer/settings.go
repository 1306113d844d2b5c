package main

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/erasure"
	"customercare/shared/principal"
	"customercare/shared/secret"
	"customercare/shared/store"
)

// settings is this function's environment.
type settings struct {
	Store          store.Settings
	Guard          principal.Guard
	Principals     string `env:"PRINCIPALS_TABLE,required,notEmpty"`
	Erasures       string `env:"ERASURES_TABLE,required,notEmpty"`
	Customers      string `env:"CUSTOMERS_TABLE,required,notEmpty"`
	DigestKeys     secret.DigestKeys
	Budget         time.Duration `env:"DRAIN_BUDGET,required"`
	WriterLifetime time.Duration `env:"WRITER_LIFETIME,required"`
	ClockSkew      time.Duration `env:"CLOCK_SKEW,required"`
	BatchCalls     int           `env:"BATCH_CALLS,required"`
}

func (s settings) engine(db *dynamodb.Client) (erasure.Engine, error) {
	keys, err := s.DigestKeys.Read(s.Store.AWS.Config())
	return erasure.Engine{
		Ledger:         store.Erasures{DB: db, Table: s.Erasures},
		Customers:      store.Customers{DB: db, Table: s.Customers, Limiter: store.NewLimiter(s.BatchCalls)},
		Digests:        erasure.Digester{Current: keys.Current, Keys: keys.ByID, More: &erasure.MoreKeys{Read: keys.Again, Now: time.Now}},
		WriterLifetime: s.WriterLifetime,
		ClockSkew:      s.ClockSkew,
		Now:            time.Now,
	}, err
}
