"""A model: how often a classifier errs on digits that are turned and shifted. The model is trained once per worker."""

import numpy as np
from scipy.ndimage import rotate, shift
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier


def setup():
    digits = load_digits()  # 1797 images of 8 x 8, which ship in scikit-learn
    model = MLPClassifier(hidden_layer_sizes=(256, 64), tol=0.001, random_state=1).fit(digits.data, digits.target)
    return model, digits


def tasks():
    return [(degrees, pixels) for degrees in range(-40, 41, 10) for pixels in (0, 1)]


def task(degrees, pixels, made):
    model, digits = made
    turned = rotate(digits.images, degrees, axes=(1, 2), reshape=False)
    moved = shift(turned, (0, pixels, pixels))
    return float(np.mean(model.predict(moved.reshape(len(moved), -1)) != digits.target))
