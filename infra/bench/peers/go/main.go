// Command go deletes a customer with guregu/dynamo, as that library's own pages show it:
// a query for the keys, and a batch of deletions. It is a module of its own, so that the
// product does not depend on what it is compared with.
//
// Every peer works alike: a line {"table": ..., "customer": ...} asks for an erasure, and
// a line of JSON, "" or what went wrong, answers when it is done.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/guregu/dynamo/v2"
)

// key is the key of an item.
type key struct {
	Customer string `dynamo:"customer"`
	Record   string `dynamo:"record"`
}

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	db := dynamo.New(cfg)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var asked struct{ Table, Customer string }
		said := ""
		err := json.Unmarshal(lines.Bytes(), &asked)
		if err == nil {
			err = erase(ctx, db.Table(asked.Table), asked.Customer)
		}
		if err != nil {
			said = err.Error()
		}
		line, _ := json.Marshal(said) // a string: it cannot fail
		fmt.Println(string(line))
	}
}

// erase deletes all items of a customer.
func erase(ctx context.Context, table dynamo.Table, customer string) error {
	var found []key
	if err := table.Get("customer", customer).Consistent(true).All(ctx, &found); err != nil {
		return err
	}
	if len(found) == 0 {
		return nil // an empty batch is an error
	}
	keys := make([]dynamo.Keyed, len(found))
	for i, k := range found {
		keys[i] = dynamo.Keys{k.Customer, k.Record}
	}
	_, err := table.Batch("customer", "record").Write().Delete(keys...).Run(ctx)
	return err
}
