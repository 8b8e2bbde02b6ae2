import { Places, type PlacesOptions } from '../admission/places.ts'
import type { Purpose } from './replica.ts'
import type { Replicas } from './replicas.ts'

export interface LaneOptions extends PlacesOptions {
  replicas: Replicas
  purpose: Purpose
}

/** One way to a service: the places that it has, and the replicas behind them. */
export class Lane extends Places {
  readonly replicas: Replicas
  readonly purpose: Purpose

  constructor(options: LaneOptions) {
    super(options)
    this.replicas = options.replicas
    this.purpose = options.purpose
  }
}
