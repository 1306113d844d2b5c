// Command clients is the least that deleting a customer over HTTP can cost: a server that reads the keys of the collection
// that a form names, and deletes them in batches. Nobody is asked who they are, nothing is on record, and a crash in between
// leaves the rest for ever.
package main

import (
	"fmt"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/bench/floor/commands"
	"customercare/infra/bench/floor/database"
	"customercare/shared/store"
)

// batch is BatchWriteItem's limit.
const batch = 25

// command says where customers are; the answer where a server for them listens, until the input ends.
type command struct{ Table string }

type answer struct{ URL string }

func main() {
	db := database.Connect()
	commands.Serve(func(c command) (answer, error) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return answer{}, err
		}
		go func() { _ = http.Serve(listener, http.HandlerFunc(server{db, c.Table}.remove)) }()
		return answer{"http://" + listener.Addr().String()}, nil
	})
}

type server struct {
	db    *dynamodb.Client
	table string
}

func (s server) remove(w http.ResponseWriter, r *http.Request) {
	code := r.PostFormValue("code")
	out, err := s.db.Query(r.Context(), &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:   aws.String("customer = :customer"),
		ProjectionExpression:     aws.String("customer, #record"),
		ExpressionAttributeNames: map[string]string{"#record": "record"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":customer": &types.AttributeValueMemberS{Value: store.CustomerKey(r.PostFormValue("account_id"), code)},
		},
	})
	if err == nil && (len(out.Items) == 0 || len(out.Items) > batch) {
		err = fmt.Errorf("%d items", len(out.Items)) // as many as the bench's customers have fit one batch
	}
	if err == nil {
		requests := make([]types.WriteRequest, len(out.Items))
		for i, key := range out.Items {
			requests[i].DeleteRequest = &types.DeleteRequest{Key: key}
		}
		var done *dynamodb.BatchWriteItemOutput
		done, err = s.db.BatchWriteItem(r.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{s.table: requests}})
		if err == nil && len(done.UnprocessedItems) > 0 {
			err = fmt.Errorf("DynamoDB did not take all of the batch")
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(w, `<response status="success"><customer status="deleted"><code>%s</code></customer></response>`, code)
}
