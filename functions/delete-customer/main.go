// Command delete-customer is operation 3: delete a loyalty customer with every transaction, for good.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"customercare/shared/environment"
	"customercare/shared/principal"
	"customercare/shared/store"
)

func main() {
	var s settings
	environment.Load(&s)
	db := store.Connect()
	connected := store.Reach(db)
	directory := principal.Directory{Principals: store.Principals{DB: db, Table: s.Principals}, Guard: principal.Guard(s.Limits), Now: time.Now}
	handler := endpoint(directory, s.engine(db), s.Budget).Handler()
	connected()
	lambda.Start(handler)
}
