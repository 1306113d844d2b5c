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
	principal.Limits
	Principals     string `env:"PRINCIPALS_TABLE,required,notEmpty"`
	Erasures       string `env:"ERASURES_TABLE,required,notEmpty"`
	Customers      string `env:"CUSTOMERS_TABLE,required,notEmpty"`
	DigestKeys     secret.DigestKeys
	Budget         time.Duration `env:"DRAIN_BUDGET,required"`
	WriterLifetime time.Duration `env:"WRITER_LIFETIME,required"`
	ClockSkew      time.Duration `env:"CLOCK_SKEW,required"`
	Streams        int           `env:"BATCH_CALLS,required"`
}

func (s settings) engine(db *dynamodb.Client) erasure.CustomerIntake {
	return erasure.NewCustomerIntake(
		store.Erasures{DB: db, Table: s.Erasures},
		store.Customers{DB: db, Table: s.Customers, Limiter: store.NewLimiter(s.Streams)},
		s.DigestKeys.Digester(),
		erasure.Timing{WriterLifetime: s.WriterLifetime, ClockSkew: s.ClockSkew},
		erasure.SystemClock(),
	)
}
