module hamlet.test/verify

go 1.19
