package template

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Table is an AWS::DynamoDB::Table.
type Table struct {
	LogicalID string // its name in the template
	Name      string // its name in DynamoDB
	Create    *dynamodb.CreateTableInput
	TTL       string // attribute with the time of expiry, or empty
}

// readTable reads what matters for the table's behaviour. Point-in-time recovery and
// deletion protection do not exist locally.
func (l *loader) readTable(logicalID string, p properties) error {
	if p["LocalSecondaryIndexes"] != nil {
		return errors.New("the local stack makes global secondary indexes only")
	}
	// CreateTable has the names that CloudFormation has.
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	in := &dynamodb.CreateTableInput{}
	if err := json.Unmarshal(text, in); err != nil {
		return fmt.Errorf("it is no table: %w", err)
	}
	table := Table{LogicalID: logicalID, Name: l.refs[logicalID], Create: in}
	in.TableName, in.BillingMode = aws.String(table.Name), types.BillingModePayPerRequest
	if in.StreamSpecification != nil {
		in.StreamSpecification.StreamEnabled = aws.Bool(true)
	}
	if ttl := p.under("TimeToLiveSpecification"); ttl.text("Enabled") == "true" {
		table.TTL = ttl.text("AttributeName")
	}
	l.template.Tables = append(l.template.Tables, table)
	return nil
}
