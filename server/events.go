package server

// eventRoutes are in this file.
func eventRoutes() []Route { return nil }
