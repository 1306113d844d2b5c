package erasure

import (
	"testing"

	"customercare/infra/testkit/dynamotest"
)

func TestMain(m *testing.M) { dynamotest.Run(m) }
